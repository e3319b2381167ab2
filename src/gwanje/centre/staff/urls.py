"""Addresses of staff under ``/staff/``."""

from django.urls import path

from gwanje.centre.staff import views, views_posts

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
    path("grants/<uuid:id_>/revoke/", views.revoke, name="revoke"),
    path("people/<uuid:id_>/appoint/", views_posts.appoint, name="appoint"),
    path("people/<uuid:id_>/training/", views_posts.train, name="train"),
    path("people/<uuid:id_>/departure/", views_posts.departure, name="departure"),
    path("people/<uuid:id_>/readmit/", views_posts.readmit, name="readmit"),
    path("contracts/", views_posts.contract_list, name="contracts"),
    path("contracts/<uuid:id_>/", views_posts.contract, name="contract"),
    path("contracts/<uuid:id_>/engage/", views_posts.engage, name="engage"),
    path("contracts/<uuid:id_>/end/", views_posts.contract_end, name="contract-end"),
    path("delegation/", views_posts.delegation, name="delegation"),
]
