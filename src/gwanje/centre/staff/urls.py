"""Addresses of staff under ``/staff/``."""

from django.urls import path

from gwanje.centre.staff import views

app_name = "staff"
urlpatterns = [
    path("", views.people, name="people"),
    path("me/", views.me, name="me"),
    path("codes/", views.codes, name="codes"),
    path("organisation/", views.organisation, name="organisation"),
    path("shift/start/", views.shift_start, name="shift-start"),
    path("shift/end/", views.shift_end, name="shift-end"),
    path("people/<uuid:id_>/", views.person, name="person"),
    path("people/<uuid:id_>/grant/", views.grant, name="grant"),
    path("people/<uuid:id_>/close/", views.close, name="close"),
    path("grants/<uuid:id_>/revoke/", views.revoke, name="revoke"),
]
