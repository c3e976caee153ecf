"""The emulator's own page at `/`: read only, rendered by the server, no script.

view.py     what is shown, out of the service's records; leaves out whatever may be secret
page.html   how it looks (jinja2 escapes every value: names come from callers)
page.py     puts the two together, with the headers that forbid everything else
"""
