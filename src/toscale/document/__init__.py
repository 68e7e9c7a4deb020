"""What is written out of a design: its figures as tables, as JSON, as plots, and as one page of HTML.

`findings` gathers what is known of a design, `tables` says it in cells that the terminal and the page share,
`as_json` is the public interface of `--json`, and `page` the document that `toscale report` writes.
"""
