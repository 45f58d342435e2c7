package egress_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/waypost/waypost/shared/egress"
)

// BenchmarkDo compares the hardened client with a bare one, on the same server.
func BenchmarkDo(b *testing.B) {
	s := serve(b, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"ok":true}`)
	})
	body := bytes.Repeat([]byte("x"), 500)
	b.Run("bare", func(b *testing.B) {
		c := &http.Client{Transport: &http.Transport{}}
		b.ReportAllocs()
		for b.Loop() {
			res, err := c.Post(s.URL, "application/json", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	})
	b.Run("egress", func(b *testing.B) {
		c := local(b, "")
		b.ReportAllocs()
		for b.Loop() {
			req, err := http.NewRequest("POST", s.URL, bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			if _, err := c.Do(b.Context(), req, egress.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
