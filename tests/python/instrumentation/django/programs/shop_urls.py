"""The URLs and views of the project."""

import shop_site
from django.db import connection
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from opentelemetry import trace


def order(request, order_id):
    with trace.get_tracer("shop").start_as_current_span("look_up"), connection.cursor() as cursor:
        cursor.execute("SELECT %s", [order_id])
        return JsonResponse({"id": cursor.fetchone()[0]})


async def async_order(request, order_id):
    with trace.get_tracer("shop").start_as_current_span("look_up"):
        return JsonResponse({"id": order_id})


def broken(request):
    raise KeyError("price")


def stream(request):
    return StreamingHttpResponse(shop_site.parts())


async def async_stream(request):
    return StreamingHttpResponse(shop_site.async_parts())


def health(request):
    return HttpResponse("well")


urlpatterns = [
    path("orders/<int:order_id>/", order),
    path("async-orders/<int:order_id>/", async_order),
    path("broken/", broken),
    path("stream/", stream),
    path("async-stream/", async_stream),
    path("health/", health),
]
