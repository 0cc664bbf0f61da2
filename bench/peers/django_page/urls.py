from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.timezone import now
from session_cookie import NAME, verified

from django_page.models import Profile, Session


def profile(request: HttpRequest) -> HttpResponse:
    token = verified(request.COOKIES.get(NAME))
    sessions = Session.objects.select_related("user__profile")
    session = sessions.filter(token=token, expires_at__gt=now()).first() if token else None
    if session is None:
        return redirect("/sign-in")
    try:
        found = session.user.profile
    except Profile.DoesNotExist:
        return redirect("/onboarding")
    if not found.is_onboarded:
        return redirect("/onboarding")
    return render(request, "profile.html", {"user": session.user, "profile": found})


urlpatterns = [path("profile", profile)]
