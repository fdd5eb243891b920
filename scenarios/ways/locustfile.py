"""A team's own traffic, by both of Locust's clients."""

from locust import FastHttpUser, HttpUser, constant_throughput


def home(user: HttpUser | FastHttpUser) -> None:
    with user.client.get("/", catch_response=True) as answer:
        if answer.status_code == 200 and "Release" not in answer.text:
            answer.failure("not the app")


class Plain(HttpUser):
    wait_time = constant_throughput(10)
    tasks = (home,)


class Fast(FastHttpUser):
    wait_time = constant_throughput(10)
    tasks = (home,)
