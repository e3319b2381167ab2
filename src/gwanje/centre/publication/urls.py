"""Addresses of the public pages."""

from django.urls import path

from gwanje.centre.publication import views

app_name = "publication"
urlpatterns = [
    path("", views.index, name="index"),
    path("<str:pack>/<str:article>/", views.article, name="article"),
]
