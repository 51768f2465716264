// Package chart draws time series as SVG and HTML on the server: sparklines for tables, and large graphs with axes whose
// values can be read by hovering, without any script. It owns how a number is written with its unit, so that an axis, a
// readout and a table cell say the same.
//
// What it writes carries classes and never a style: colours, light and dark, belong to the page's style sheet, and a strict
// Content-Security-Policy has nothing to object to. It never asks for data and keeps nothing; nothing is guarded here.
package chart
