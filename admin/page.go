package admin

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
)

//go:embed page
var pageFiles embed.FS

// asset is a file of the page.
type asset struct {
	content []byte
	kind    string // content type
	tag     string // ETag
}

// assetKinds returns the content types of the files that are served, by the end of their name.
var assetKinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
}

// loadPage reads the embedded files.
func loadPage() (map[string]asset, error) {
	entries, err := fs.ReadDir(pageFiles, "page")
	if err != nil {
		return nil, err
	}
	files := make(map[string]asset, len(entries))
	for _, e := range entries {
		kind, served := assetKinds[path.Ext(e.Name())]
		if !served {
			continue
		}
		content, err := pageFiles.ReadFile("page/" + e.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		files[e.Name()] = asset{content, kind, `"` + hex.EncodeToString(sum[:12]) + `"`}
	}
	return files, nil
}

// index serves the page itself, which contains no data, so that nobody must sign in for it.
func (s *Server) index(w http.ResponseWriter, r *http.Request) { s.serve(w, r, "index.html") }

func (s *Server) asset(w http.ResponseWriter, r *http.Request) { s.serve(w, r, r.PathValue("name")) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request, name string) {
	file, there := s.page[name]
	if !there {
		problem(w, http.StatusNotFound, "there is no such file")
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("Cache-Control", "no-cache") // browsers must ask each time, as a new version has new files
	h.Set("ETag", file.tag)
	if r.Header.Get("If-None-Match") == file.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(file.content) // it fails only when the client has gone
}
