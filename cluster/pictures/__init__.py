"""Pictures for people: charts as SVG text and pages that are one self-contained HTML file."""
