"""Accessibility rules that a script can check, run inside the page; each gives a list of faults."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_COLOURS = """
  const channels = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith('color(srgb') ? numbers.map((n, i) => (i < 3 ? n * 255 : n)) : numbers;
  };
  const over = (top, under) => {
    const alpha = top[3] ?? 1;
    return [0, 1, 2].map((i) => top[i] * alpha + under[i] * (1 - alpha));
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => {
      const s = v / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
"""

_CONTRAST = (
    "() => {"
    + _COLOURS
    + """
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(channels(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const faults = new Set();
  let seen = 0;
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own && !['INPUT', 'SELECT'].includes(element.tagName)) continue;
    if (element.closest('.visually-hidden, noscript, option, .skip') || !element.checkVisibility()) continue;
    const back = ground(element);
    const ink = over(channels(getComputedStyle(element).color), back);
    const [a, b] = [light(ink), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    seen += 1;
    if (ratio < 4.5) faults.add(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return { seen, faults: [...faults] };
}"""
)

_DRAWINGS = (
    "() => {"
    + _COLOURS
    + """
  const canvas = document.body.appendChild(document.createElement('i'));
  canvas.style.cssText = 'color: Canvas; forced-color-adjust: none';
  const back = light(channels(getComputedStyle(canvas).color));
  canvas.remove();
  const faults = new Set();
  let seen = 0;
  for (const shape of document.querySelectorAll('main svg :is(path, polyline, circle, rect, text)')) {
    if (!shape.checkVisibility()) continue;
    const style = getComputedStyle(shape);
    for (const paint of [style.fill, style.stroke].filter((paint) => paint !== 'none')) {
      const [a, b] = [light(channels(paint)), back].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      seen += 1;
      if (ratio < 3) faults.add(`${shape.tagName}.${shape.getAttribute('class')}: ${ratio.toFixed(2)}`);
    }
  }
  return { seen, faults: [...faults] };
}"""
)

_STRUCTURE = """() => {
  const faults = [];
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  for (const id of new Set(ids)) if (ids.filter((i) => i === id).length > 1) faults.push(`id ${id} twice`);
  for (const name of ['aria-labelledby', 'aria-describedby'])
    for (const e of document.querySelectorAll(`[${name}]`))
      for (const id of e.getAttribute(name).split(' '))
        if (!document.getElementById(id)) faults.push(`${name}=${id} names nothing`);
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    if (!heading.checkVisibility()) continue;
    const next = Number(heading.tagName[1]);
    if (next > level + 1) faults.push(`${heading.tagName} after h${level}: ${heading.textContent}`);
    level = next;
  }
  for (const selector of ['body > main', 'body > header', 'body > footer', 'h1'])
    if (document.querySelectorAll(selector).length !== 1) faults.push(`not exactly one ${selector}`);
  for (const image of document.querySelectorAll('svg, img'))
    if (!image.closest('[aria-hidden=true]') && !(image.alt || image.ariaLabel))
      faults.push('an unnamed picture');
  if (!document.documentElement.lang) faults.push('no language');
  return faults;
}"""

_TARGETS = """() => [...document.querySelectorAll('button, summary, select, input')]
  .filter((e) => e.checkVisibility())
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([, box]) => box.height < 24 || box.width < 24)
  .map(([e, box]) => `${e.tagName}.${e.className} ${box.width}×${box.height}`)"""


def contrast_faults(page: Page) -> list[str]:
    """Visible text whose contrast with its ground is below 4.5 (WCAG 2.2, 1.4.3)."""
    result = page.evaluate(_CONTRAST)
    assert result["seen"] > 5, "the audit must have seen the page's text"
    return list(result["faults"])


def drawing_faults(page: Page) -> list[str]:
    """Shapes and words of drawings that hardly differ from a reader's own ground (WCAG 1.4.11)."""
    found = page.evaluate(_DRAWINGS)
    assert found["seen"], "the page has no drawings"
    return [str(fault) for fault in found["faults"]]


def structure_faults(page: Page) -> list[str]:
    """Doubled ids, dangling references, skipped heading levels, missing landmarks, unnamed pictures."""
    return list(page.evaluate(_STRUCTURE))


def small_targets(page: Page) -> list[str]:
    """Controls smaller than 24 × 24 CSS pixels (WCAG 2.2, 2.5.8)."""
    return list(page.evaluate(_TARGETS))


def unnamed_controls(page: Page) -> list[str]:
    """Controls for which a screen reader has no name, by Chromium's own accessibility tree."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    controls = {"button", "textbox", "spinbutton", "combobox", "link", "meter", "DisclosureTriangle"}
    roles = [node for node in nodes if node.get("role", {}).get("value") in controls]
    assert len(roles) > 5, "the audit must have seen the page's controls"
    return [node["role"]["value"] for node in roles if not node.get("name", {}).get("value", "").strip()]


def focus_is_visible(page: Page) -> bool:
    """Whether the focused element is outlined by at least two pixels."""
    return bool(
        page.evaluate(
            """() => {
              const style = getComputedStyle(document.activeElement);
              return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
            }"""
        )
    )


def axe_faults(page: Page) -> list[str]:
    """What axe-core finds: rule, element and what to do, of WCAG 2.2 A and AA and its best practices."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:120]}: {node['failureSummary']}"
        for fault in violations
        for node in fault["nodes"]
    ]
