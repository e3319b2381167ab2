"""Addresses of watching (관제 주소)."""

from django.urls import path

from gwanje.centre.watching import views, views_glass, views_ptz

app_name = "watching"
urlpatterns = [
    path("", views.wall, name="wall"),
    path("map/", views.map_page, name="map"),
    path("relay.js", views.relay, name="relay"),
    path("events/", views.event_stream, name="events"),
    path("emergencies/", views.emergency_list, name="emergencies"),
    path("emergencies/open/", views.emergency_open, name="emergency_open"),
    path("emergencies/<uuid:id>/end/", views.emergency_end, name="emergency_end"),
    path("emergencies/<uuid:id>/review/", views.emergency_review, name="emergency_review"),
    path("glass/", views_glass.glass_list, name="glass"),
    path("glass/open/", views_glass.glass_open, name="glass_open"),
    path("glass/<uuid:id>/end/", views_glass.glass_end, name="glass_end"),
    path("glass/<uuid:id>/review/", views_glass.glass_review, name="glass_review"),
    path("glass/<uuid:id>/restore/", views_glass.glass_restore, name="glass_restore"),
    path("ptz/", views_ptz.ptz_list, name="ptz"),
    path("ptz/<uuid:id>/words/", views_ptz.ptz_tell, name="ptz_tell"),
    path("ptz/<uuid:id>/review/", views_ptz.ptz_review, name="ptz_review"),
]
