"""When the page cannot start it says so, in words that need no script."""

from playwright.sync_api import Browser, Route, expect

from tests.processes import Service


def test_a_tampered_module_is_refused_and_the_page_says_it_could_not_start(chromium: Browser, centre: Service) -> None:
    def tamper(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text() + "\n;document.title = 'tampered';")

    with chromium.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.route("**/htm.mjs", tamper)
        page.goto(f"{centre.http}/")
        expect(page.get_by_role("heading", name="页面无法启动")).to_be_visible(timeout=10_000)
        expect(page).to_have_title("警情受理台")


def test_without_scripts_the_page_says_it_could_not_start(chromium: Browser, centre: Service) -> None:
    with chromium.new_context(locale="en", java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{centre.http}/")
        expect(page.get_by_role("heading", name="This page could not start")).to_be_visible(timeout=10_000)


def test_nothing_is_loaded_from_elsewhere(chromium: Browser, centre: Service) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{centre.http}/")
        expect(page.locator("#username")).to_be_visible()
        assert asked
        assert all(url.startswith(centre.http) for url in asked)
