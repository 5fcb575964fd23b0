"""The mark of a centre to practise in, on every page it answers, whoever has drawn it."""

from aiohttp import web

from callcenter.console.routes import Handle

WORDS = "演练系统，没有真实警情 · DRILL SYSTEM, no alarm here is real"
STYLE = '<link rel="stylesheet" href="/static/watermark.css">'
MARK = f'<p class="watermark" role="note">{WORDS}</p>'


@web.middleware
async def watermarked(request: web.Request, handler: Handle) -> web.StreamResponse:
    answer = await handler(request)
    if isinstance(answer, web.Response) and answer.content_type == "text/html" and answer.text:
        answer.text = marked(answer.text)
    return answer


def marked(page: str) -> str:
    """Outside of whatever the page's scripts draw anew."""
    return page.replace("</head>", f"{STYLE}</head>", 1).replace("</body>", f"{MARK}</body>", 1)
