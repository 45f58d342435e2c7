package egress_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/waypost/waypost/shared/egress"
)

func TestHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, r.Proto+" "+r.Header.Get("Idempotency-Key")+" "+string(b))
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	policy, err := egress.ParsePolicy("https://127.0.0.0/8:*", "")
	if err != nil {
		t.Fatal(err)
	}
	c := egress.NewClient(egress.NewGuard(policy), egress.Config{RootCAs: roots})
	t.Cleanup(c.Close)
	for i, method := range []string{"POST", "GET", "DELETE"} {
		req := request(t, method, s.URL, "")
		req.Header.Set("Idempotency-Key", "d-1")
		res, err := c.Do(t.Context(), req, egress.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(res.Body), "HTTP/2.0 d-1 "; got != want {
			t.Errorf("%s: got %q, want %q", method, got, want)
		}
		if got, want := res.Timings.Reused, i > 0; got != want {
			t.Errorf("%s: reused = %t, want %t", method, got, want)
		}
	}
	_, err = c.Do(t.Context(), request(t, "POST", s.URL+"/abort", "x"), egress.Options{})
	if got, want := failure(err), "lost written=true"; got != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}
