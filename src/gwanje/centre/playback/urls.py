"""Addresses of playback under ``/playback/``."""

from django.urls import path

from gwanje.centre.playback import views

app_name = "playback"
urlpatterns = [
    path("", views.requests, name="requests"),
    path("new/", views.new, name="new"),
    path("requests/<uuid:id_>/", views.detail, name="request"),
    path("requests/<uuid:id_>/approve/", views.approve, name="approve"),
    path("requests/<uuid:id_>/refuse/", views.refuse, name="refuse"),
    path("requests/<uuid:id_>/cancel/", views.cancel, name="cancel"),
    path("requests/<uuid:id_>/sign/", views.sign, name="sign"),
    path("requests/<uuid:id_>/signed/", views.signed, name="signed"),
    path("requests/<uuid:id_>/play/", views.play, name="play"),
]
