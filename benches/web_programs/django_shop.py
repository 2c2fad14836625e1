"""What gunicorn serves of Django for benches/web.py. Not a line of telemetry."""

from __future__ import annotations

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path


def health(request: HttpRequest) -> JsonResponse:
    return JsonResponse("well", safe=False)


def orders(request: HttpRequest) -> JsonResponse:
    return JsonResponse([], safe=False)


def order(request: HttpRequest, order_id: int) -> JsonResponse:
    return JsonResponse({"id": order_id, "state": "paid"})


urlpatterns = [path("health", health), path("orders", orders), path("orders/<int:order_id>", order)]
app = get_wsgi_application()
