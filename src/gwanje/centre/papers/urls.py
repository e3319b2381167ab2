"""Addresses of the forms: ``public/`` is open to everybody, the rest to staff."""

from django.urls import path

from gwanje.centre.papers import views, views_public

app_name = "papers"
urlpatterns = [
    path("", views.index, name="index"),
    path("public/", views_public.index, name="public"),
    path("public/<str:pack>/<str:form>/", views_public.form, name="public-form"),
    path("public/<str:pack>/<str:form>/<str:kind>", views_public.file, name="public-file"),
    path("<str:pack>/<str:form>/", views.form, name="form"),
    path("<str:pack>/<str:form>/fill/", views.fill, name="fill"),
    path("<str:pack>/<str:form>/rows/", views.filled, name="filled"),
    path("<str:pack>/<str:form>/rows/<str:kind>", views.filled_file, name="filled-file"),
    path("<str:pack>/<str:form>/<str:kind>", views.file, name="file"),
]
