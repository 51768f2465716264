package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every link of a page to another one, and to a chapter of it, leads somewhere.
func TestLinksInDocs(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	var files []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../deploy/*.md"} {
		found, _ := filepath.Glob(pattern)
		files = append(files, found...)
	}
	if len(files) < 15 {
		t.Fatalf("only %d pages", len(files))
	}
	for _, file := range files {
		for _, m := range link.FindAllStringSubmatch(readPage(t, file), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, chapter, _ := strings.Cut(m[1], "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", file, m[1])
			} else if chapter != "" && !chapters(readPage(t, target))[chapter] {
				t.Errorf("%s: %s has no such chapter", file, m[1])
			}
		}
	}
}

func readPage(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// chapters are the headings of a page as links name them.
func chapters(page string) map[string]bool {
	all := map[string]bool{}
	odd := regexp.MustCompile(`[^a-z0-9 _-]`)
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "#") {
			title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
			all[strings.ReplaceAll(odd.ReplaceAllString(title, ""), " ", "-")] = true
		}
	}
	return all
}
