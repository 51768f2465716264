package tools

import (
	"strconv"
	"strings"
	"testing"
)

func BenchmarkArchiveFile(b *testing.B) {
	for _, gz := range []bool{false, true} {
		b.Run("gzip "+strconv.FormatBool(gz), func(b *testing.B) {
			dir := b.TempDir()
			p := &archivePlace{name: archiveName{gzip: gz}, gzipLevel: 6, work: dir, output: dir}
			a, err := p.open("a<REV>", 0, noon)
			if err != nil {
				b.Fatal(err)
			}
			body := []byte(strings.Repeat("0123456789", 10))
			b.ReportAllocs()
			for b.Loop() {
				if err := a.write(body); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := a.finish(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
