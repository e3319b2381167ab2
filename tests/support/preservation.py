"""Calls to the API of preservation."""


def post(browser, path, body=None):
    """POST JSON to the API of preservation."""
    return browser.post(f"/api/preservation/{path}", body or {}, content_type="application/json")
