"""Addresses of preservation under ``/preservation/``."""

from django.urls import path

from gwanje.centre.preservation import views, views_requests, views_signing

app_name = "preservation"
urlpatterns = [
    path("", views.holds, name="holds"),
    path("new/", views.new, name="new"),
    path("signed/", views_signing.signed, name="signed"),
    path("<uuid:id_>/", views.hold, name="hold"),
    path("<uuid:id_>/prolong/", views.prolong, name="prolong"),
    path("<uuid:id_>/end/", views.end, name="end"),
    path("<uuid:id_>/acts/<uuid:act>/agree/", views.agree, name="agree"),
    path("<uuid:id_>/acts/<uuid:act>/decline/", views.decline, name="decline"),
    path("<uuid:id_>/acts/<uuid:act>/sign/", views_signing.act_sign, name="act-sign"),
    path("applications/", views_requests.applications, name="applications"),
    path("applications/new/", views_requests.apply, name="apply"),
    path("applications/<uuid:id_>/pdf/", views_requests.form_pdf, name="form-pdf"),
    path("<uuid:id_>/again/", views_requests.again, name="again"),
    path("deletions/", views_requests.deletions, name="deletions"),
    path("deletions/new/", views_requests.delete, name="delete"),
    path("deletions/<uuid:id_>/", views_requests.deletion_page, name="deletion"),
    path("deletions/<uuid:id_>/sign/", views_signing.delete_sign, name="delete-sign"),
    path("deletions/<uuid:id_>/agree/", views_requests.delete_agree, name="delete-agree"),
    path("deletions/<uuid:id_>/refuse/", views_requests.delete_refuse, name="delete-refuse"),
    path("deletions/<uuid:id_>/cancel/", views_requests.delete_cancel, name="delete-cancel"),
]
