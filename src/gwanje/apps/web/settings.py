"""Django settings of one data folder (``kernel.home``); secrets are read from it, never written here."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from gwanje.apps.web.rooms import ROOMS, present
from gwanje.kernel.home import Home
from gwanje.kernel.hosts import named_origins, page_hosts, secure_cookies, sign_origin, socket_origins
from gwanje.kernel.keys import write_secret

HERE = Path(__file__).parent


def _secret(home: Home, name: str) -> str:
    path = home.secrets / name
    try:
        with contextlib.suppress(FileExistsError):
            if not path.exists():
                write_secret(path, secrets.token_urlsafe(48).encode())
        return path.read_text().strip()
    except PermissionError:
        # the web's own: a worker with a user of its own signs no session and needs one for itself only
        return secrets.token_urlsafe(48)


GWANJE_HOME = Home.find()
if not GWANJE_HOME.config_file.exists():
    raise ImproperlyConfigured(
        f"자료 폴더가 없습니다: {GWANJE_HOME.root}. 먼저 `gwanje init`을 실행하십시오. / "
        "There is no data folder there; run `gwanje init` first or set GWANJE_DATA."
    )

SECRET_KEY = _secret(GWANJE_HOME, "django.key")
DEBUG = False
ALLOWED_HOSTS = list(page_hosts(GWANJE_HOME))
# a proxy ends TLS before us: a form's origin is then https, while the request comes in as http
CSRF_TRUSTED_ORIGINS = list(named_origins(GWANJE_HOME))
ROOT_URLCONF = "gwanje.apps.web.urls"
ASGI_APPLICATION = "gwanje.apps.web.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    *(f"gwanje.centre.{name}" for name in ROOMS if present(name, "apps")),
    "gwanje.apps.web",
]
MIDDLEWARE = [
    f"gwanje.apps.web.middleware.{name}"
    for name in (
        "headers.SecurityHeaders",
        "static.Static",
        "language.Language",
        "scope.Transaction",
        "sync.Session",
        "sync.Common",
        "sync.Csrf",
        "sync.Authentication",
        "sync.Messages",
        "scope.Person",
    )
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csrf",
                "django.contrib.messages.context_processors.messages",
                "gwanje.apps.web.context.centre",
            ],
            "libraries": {"dates": "gwanje.centre.common.dates", "grounds": "gwanje.centre.common.grounds"},
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "gwanje.apps.web.database",
        "NAME": "gwanje",
        "ATOMIC_REQUESTS": True,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 12, "timeout": 4, "max_idle": 300}},
    }
}

AUTH_USER_MODEL = "staff.Person"
AUTHENTICATION_BACKENDS = ["gwanje.centre.staff.login.AccountBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"

SESSION_COOKIE_NAME = "gwanje_session"
# behind a proxy that ends TLS; at localhost over http browsers take them too
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = secure_cookies(GWANJE_HOME)
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_NAME = "gwanje_csrf"
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_FAILURE_VIEW = "gwanje.apps.web.views.csrf_failure"
STATION_COOKIE = "gwanje_station"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W012", "security.W016"]

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CSP = "; ".join(
    [
        "default-src 'self'",
        "connect-src 'self' " + " ".join(socket_origins(GWANJE_HOME)),
        "worker-src 'self'",
        "img-src 'self' data: blob:",
        "media-src blob:",
        "object-src 'none'",
        "base-uri 'none'",
        # a form's answer may lead to vaultd's own pages, where officers sign
        f"form-action 'self' {sign_origin(GWANJE_HOME)}",
        "frame-ancestors 'none'",
    ]
)

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 4
FILE_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
UPLOAD_MAX_BYTES = 32 * 1024 * 1024

LANGUAGE_CODE = "ko"
LANGUAGES = [("ko", "한국어"), ("en", "English")]
LANGUAGE_COOKIE_NAME = "gwanje_language"
USE_I18N = True
USE_TZ = True
TIME_ZONE = GWANJE_HOME.config["zone"]

STATIC_URL = "/static/"
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MIMETYPES = {".mjs": "text/javascript"}
WHITENOISE_MAX_AGE = 60

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # request lines carry no query, body or cookie; a fault carries its incident id (middleware.incident)
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "procrastinate": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "django.request": {"handlers": ["stderr"], "level": "CRITICAL", "propagate": False},
        "django.security": {"handlers": ["stderr"], "level": "CRITICAL", "propagate": False},
    },
}
