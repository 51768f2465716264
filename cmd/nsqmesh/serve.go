package main

// runServe runs a node until it is told to stop.
func runServe(args []string, std stdio) int {
	_, err := parseServe(args, std.environ, std.err)
	return endServe(std, err)
}
