"""Addresses of publication under ``/law/``: public pages, the desk of those who publish, signs; articles last."""

from django.urls import path, register_converter

from gwanje.centre.publication import views, views_desk, views_public, views_report, views_signs
from gwanje.centre.publication.items import DOCUMENTS
from gwanje.centre.publication.pages import MAKERS


class Document:
    """``policy`` or ``plan``."""

    regex = "|".join(DOCUMENTS)

    def to_python(self, value: str) -> str:
        """As it stands."""
        return value

    to_url = to_python


class Page(Document):
    """A public page beside the policy."""

    regex = "|".join(MAKERS)


class ReportKind(Document):
    """``pdf`` or ``json``."""

    regex = "|".join(views_report.KINDS)


register_converter(Document, "document")
register_converter(ReportKind, "reportkind")
register_converter(Page, "publicpage")
app_name = "publication"
urlpatterns = [
    path("", views.index, name="index"),
    path("policy/", views_public.document, {"name": "policy"}, name="policy"),
    path("policy/<int:number>/", views_public.document, {"name": "policy"}, name="policy"),
    path("plan/", views_public.document, {"name": "plan"}, name="plan"),
    path("plan/<int:number>/", views_public.document, {"name": "plan"}, name="plan"),
    path("<publicpage:page>/", views_public.page, name="page"),
    path("desk/", views_desk.desk, name="desk"),
    path("desk/homepage.zip", views_desk.archive, name="archive"),
    path("desk/departments/", views_desk.departments, name="desk_departments"),
    path("desk/departments/write/", views_desk.write_department, name="write_department"),
    path("desk/versions/<uuid:id_>/", views_desk.version, name="version"),
    path("desk/versions/<uuid:id_>/announce/", views_desk.announce, name="announce"),
    path("desk/versions/<uuid:id_>/withdraw/", views_desk.withdraw, name="withdraw"),
    path("desk/signs/", views_signs.listed, name="signs"),
    path("desk/signs/new/", views_signs.new, name="sign_new"),
    path("desk/signs/<uuid:id_>/", views_signs.sign, name="sign"),
    path("desk/signs/<uuid:id_>/pdf/", views_signs.pdf, name="sign_pdf"),
    path("desk/signs/<uuid:id_>/photo/", views_signs.photo, name="sign_photo"),
    path("desk/report/", views_report.law_report, name="law_report"),
    path("desk/report/<str:pack>/", views_report.law_report, name="law_report"),
    path("desk/report/<str:pack>/<reportkind:kind>/", views_report.law_report, name="law_report_file"),
    path("desk/<document:document>/", views_desk.document, name="items"),
    path("desk/<document:document>/text/", views_desk.text, name="text"),
    path("desk/<document:document>/draft/", views_desk.draft, name="draft"),
    path("<str:pack>/<str:article>/", views.article, name="article"),
]
