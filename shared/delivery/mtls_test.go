package delivery_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/egress/egresstest"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/secret"
	"github.com/waypost/waypost/shared/token"
)

// A keyring is secrets by name.
type keyring map[string]string

func (k keyring) Fetch(_ context.Context, name string) ([]byte, error) { return []byte(k[name]), nil }

// identity makes a client's certificate, as a secret has it, and adds it to
// those that a server trusts.
func identity(t *testing.T, name string, trusted *x509.CertPool) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if trusted != nil {
		trusted.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{"certificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"privateKey": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each action shows its own certificate, on connections of its own, to a server
// that lets nobody else in.
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	trusted := x509.NewCertPool()
	keys := keyring{"waypost/shop": identity(t, "shop", trusted), "waypost/bank": identity(t, "bank", trusted), "waypost/other": identity(t, "other", nil), "waypost/late": identity(t, "late", nil),
		"waypost/token": `{"token": "t"}`, "waypost/broken": `{"certificate": "planted", "privateKey": "planted"}`,
		"waypost/half": `{"certificate": "planted"}`, "waypost/bound": strings.Replace(identity(t, "bound", trusted), "{", `{"hosts": ["api.example"], `, 1)}
	var callers []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		callers = append(callers, r.TLS.PeerCertificates[0].Subject.CommonName)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Listener = egresstest.Lingering{Listener: server.Listener}
	server.StartTLS()
	defer server.Close()
	policy, err := egress.ParsePolicy("https://127.0.0.0/8:*", "")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	guard := egress.NewGuard(policy)
	client := egress.NewClient(guard, egress.Config{RootCAs: roots})
	defer client.Close()

	secrets := secret.NewStore(keys, time.Now)
	aws := &free{outcomes: map[ledger.Outcome]int{}}
	p := &delivery.Pipeline{
		Closer:    delivery.Closer{Records: aws, Actions: aws, DeadLetters: aws, Log: slog.New(slog.DiscardHandler), Now: time.Now},
		Providers: []delivery.Provider{{Channel: webhook.Channel{}, Traits: webhook.Traits()}},
		Profiles:  freeProfiles{}, Endpoints: client, Secrets: token.NewStore(secrets, client, time.Now),
		Programs: delivery.NewPrograms(), NewHolder: func() string { return "holder" },
	}
	deliver := func(auth string) string {
		t.Helper()
		act, err := action.Parse([]byte(`{"name": "hook", "channel": "webhook", "contract": {"method": "POST", "path": "/hook", "body": {}},
			"settings": {"url": "`+server.URL+`", "guarantee": "atMostOnce", "retry": {"attempts": 3}`+auth+`}}`), guard)
		if err != nil {
			t.Fatal(err)
		}
		aws.action = act
		_, err = p.Deliver(t.Context(), delivery.Task{Format: delivery.Format, Action: delivery.Ref{Name: "hook", Version: 1}, Step: "tell", Execution: "x",
			With: json.RawMessage(`{}`), State: delivery.State{Format: 1, Journey: delivery.Journey{Name: "j", Version: 1}, Profile: "c-1", Event: json.RawMessage(`{}`)}})
		if err == nil {
			return "sent"
		}
		return err.Error()
	}
	by := func(name string) string {
		return deliver(`, "auth": {"type": "mtls", "secret": "waypost/` + name + `"}`)
	}
	for _, name := range []string{"shop", "bank", "shop", "bank"} {
		if got := by(name); got != "sent" {
			t.Errorf("%s: got %s, want sent", name, got)
		}
	}
	if diff := cmp.Diff([]string{"shop", "bank", "shop", "bank"}, callers); diff != "" {
		t.Errorf("the server saw (-want +got):\n%s", diff)
	}
	for _, tc := range []struct{ name, got, want string }{
		{"no certificate", deliver(""), "wants a client certificate"},
		{"a token", deliver(`, "auth": {"type": "bearer", "secret": "waypost/token"}`), "wants a client certificate"},
		{"another", by("other"), "refused the client certificate: it accepts those of other authorities"},
	} {
		if !strings.Contains(tc.got, `"outcome":"failed"`) || !strings.Contains(tc.got, tc.want) {
			t.Errorf("%s: got %s, want failed: %s", tc.name, tc.got, tc.want)
		}
	}
	if _, err := secrets.Get(t.Context(), "waypost/late"); err != nil {
		t.Fatal(err)
	}
	keys["waypost/late"] = keys["waypost/shop"] // while memory has one that is refused
	if got := by("late"); got != "sent" {
		t.Errorf("replaced: got %s, want sent", got)
	}
	for name, want := range map[string]string{"broken": "must be PEM", "half": "lacks the key", "bound": "may not be sent to 127.0.0.1"} {
		if got := by(name); !strings.Contains(got, want) || strings.Contains(got, "planted") {
			t.Errorf("%s: got %s, want %q and no value", name, got, want)
		}
	}
	if len(callers) != 5 {
		t.Errorf("the server saw %q", callers)
	}
}
