"""Addresses of the board under ``/duties/``."""

from django.urls import path

from gwanje.centre.duties import views

app_name = "duties"
urlpatterns = [
    path("", views.board, name="board"),
    path("close/", views.close, name="close"),
    path("new/", views.new, name="new"),
    path("<uuid:id_>/", views.duty, name="duty"),
    path("<uuid:id_>/extend/", views.extend, name="extend"),
]
