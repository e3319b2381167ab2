"""Addresses of inspection under ``/inspection/``."""

from django.urls import path

from gwanje.centre.inspection import views

app_name = "inspection"
urlpatterns = [
    path("", views.journal, name="journal"),
    path("form/", views.form, name="form"),
    path("enter/", views.enter, name="enter"),
    path("close/", views.close, name="close"),
    path("faults/<uuid:id_>/", views.fault, name="fault"),
    path("faults/<uuid:id_>/sign/", views.sign, name="sign"),
    path("faults/<uuid:id_>/send/", views.send, name="send"),
    path("tickets/", views.tickets, name="tickets"),
    path("tickets/<uuid:id_>/step/", views.step, name="step"),
]
