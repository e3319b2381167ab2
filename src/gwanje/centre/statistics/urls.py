"""Addresses of statistics under ``/statistics/``."""

from django.urls import path

from gwanje.centre.statistics import views

app_name = "statistics"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("table.csv", views.table_csv, name="csv"),
    path("print/", views.printed, name="print"),
    path("check/", views.check, name="check"),
    path("sources/", views.sources, name="sources"),
    path("public/", views.public, name="public"),
    path("public/table.csv", views.public_csv, name="public-csv"),
]
