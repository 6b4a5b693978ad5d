"""The pages people see."""

from atisbo.web.pages import (
    about,
    account,
    audit,
    batch,
    business,
    cards,
    entry,
    gallery,
    guides,
    home,
    images,
    manage,
    runs,
    terms,
    trials,
    users,
    versions,
    workbench,
)

_pages = (
    home,
    about,
    entry,
    account,
    business,
    workbench,
    batch,
    cards,
    guides,
    terms,
    images,
    manage,
    gallery,
    trials,
    users,
    versions,
    runs,
    audit,
)
routers = [page.router for page in _pages]
