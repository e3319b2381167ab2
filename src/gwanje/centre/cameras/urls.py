"""Addresses of cameras (영상정보처리기기 주소)."""

from django.urls import path

from gwanje.centre.cameras import views, views_device, views_mandate, views_recorders, views_zone

app_name = "cameras"
urlpatterns = [
    path("", views.camera_list, name="list"),
    path("new/", views.camera_new, name="new"),
    path("points/", views.point_list, name="points"),
    path("import/", views.import_new, name="import_new"),
    path("import/<uuid:id>/", views.import_page, name="import"),
    path("import/<uuid:id>/refused.csv", views.import_refused, name="import_refused"),
    path("import/<uuid:id>/confirm/", views.import_confirm, name="import_confirm"),
    path("export/", views.export, name="export"),
    path("discover/", views_device.discover, name="discover"),
    path("recorders/", views_recorders.recorders, name="recorders"),
    path("mandates/", views_mandate.mandate_list, name="mandates"),
    path("mandates/<uuid:id>/end/", views_mandate.mandate_end, name="mandate_end"),
    path("<uuid:id>/hours/", views_mandate.camera_hours, name="hours"),
    path("<uuid:id>/", views.camera_page, name="camera"),
    path("<uuid:id>/device/", views_device.camera_device, name="device"),
    path("<uuid:id>/zone/", views_zone.camera_zone, name="zone"),
    path("<uuid:id>/state/", views.camera_state, name="state"),
    path("<uuid:id>/mandate/", views.camera_mandate, name="mandate"),
    path("<uuid:id>/credentials/", views.camera_credentials, name="credentials"),
]
