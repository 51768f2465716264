package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
)

//go:embed assets
var assetFiles embed.FS

// assets serves what a browser fetches beside a page. An address carries a hash of the content, so it may be kept for ever.
type assets struct{ hashes map[string]string }

func newAssets() (assets, error) {
	files, err := assetFiles.ReadDir("assets")
	if err != nil {
		return assets{}, err
	}
	a := assets{map[string]string{}}
	for _, f := range files {
		content, err := assetFiles.ReadFile("assets/" + f.Name())
		if err != nil {
			return assets{}, err
		}
		sum := sha256.Sum256(content)
		a.hashes[f.Name()] = hex.EncodeToString(sum[:6])
	}
	return a, nil
}

func (a assets) path(name string) string { return "/assets/" + name + "?v=" + a.hashes[name] }

func (a assets) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	name := req.PathValue("name")
	if a.hashes[name] == "" {
		http.NotFound(w, req)
		return
	}
	if req.URL.Query().Get("v") == a.hashes[name] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeFileFS(w, req, assetFiles, "assets/"+name)
}
