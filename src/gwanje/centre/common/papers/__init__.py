"""Papers (서식 출력): one schema of ``law/forms.py`` as a page, a PDF/A, an office document and a web form."""
