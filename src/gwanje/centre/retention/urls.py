"""Addresses of retention under ``/retention/``."""

from django.urls import path

from gwanje.centre.retention import views

app_name = "retention"
urlpatterns = [
    path("", views.hours, name="hours"),
    path("classes/", views.classes, name="classes"),
    path("certificates/", views.certificates, name="certificates"),
    path("certificates/countersign/", views.countersigned, name="countersign"),
    path("certificates/<uuid:id_>/", views.certificate, name="certificate"),
    path("certificates/<uuid:id_>/pdf/", views.certificate_pdf, name="certificate-pdf"),
    path("certificates/<uuid:id_>/json/", views.certificate_json, name="certificate-json"),
]
