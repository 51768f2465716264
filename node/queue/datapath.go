package queue

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
)

// queueName names the disk queue of a topic (channel "") or channel, and so its files.
func queueName(topic, channel string) string {
	if channel == "" {
		return topic
	}
	if runtime.GOOS == "windows" {
		return topic + ";" + channel
	}
	return topic + ":" + channel
}

// leftOver are temporary files that an interrupted or failed write has left: ours, or those of a stock nsqd and go-diskqueue.
var leftOver = regexp.MustCompile(`^(nsqd\.dat|.+\.diskqueue\.meta\.dat|.+\.due\.dat)\.[0-9]+\.tmp$`)

// sweep removes left-overs. A disk that is full for long makes many.
func sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if leftOver.MatchString(e.Name()) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// writeFile replaces a file by one rename, so a reader or a crash sees the old content or the new one. Whether a power
// failure does, too, is up to syncDir.
func writeFile(path string, content []byte) error {
	tmp := fmt.Sprintf("%s.%d.tmp", path, rand.Int())
	if err := writeSynced(tmp, content); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	return nil
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.Sync()
}
