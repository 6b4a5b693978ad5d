"""The pages people see."""

from atisbo.web.pages import about, account, cards, entry, guides, home, images, terms, users, workbench

_pages = (home, about, entry, account, workbench, cards, guides, terms, images, users)
routers = [page.router for page in _pages]
