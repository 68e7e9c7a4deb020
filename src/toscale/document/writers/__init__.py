"""How is a document written? As one page of HTML, as Markdown with pictures beside it, or as PDF: one writer each,
all of the same `Document`.
"""
