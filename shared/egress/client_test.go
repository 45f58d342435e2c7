package egress_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
)

// local makes a client of the local policy, with these routes.
func local(t testing.TB, routes string) *egress.Client {
	t.Helper()
	policy, err := egress.ParsePolicy("http://127.0.0.0/8:*", routes)
	if err != nil {
		t.Fatal(err)
	}
	c := egress.NewClient(egress.NewGuard(policy), egress.Config{})
	t.Cleanup(c.Close)
	return c
}

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func request(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, url, r)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// failure says how a call failed, in one line.
func failure(err error) string {
	e, ok := errors.AsType[*egress.Error](err)
	if !ok {
		return fmt.Sprintf("%T: %v", err, err)
	}
	return fmt.Sprintf("%s written=%t", e.Kind, e.Written)
}

func TestDoSendsTheRequestOnce(t *testing.T) {
	type seen struct {
		Method, URI, Host, Body, Agent, Key, Encoding string
		Length                                        int64
	}
	got := make(chan seen, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- seen{r.Method, r.RequestURI, r.Host, string(b), r.UserAgent(), r.Header.Get("Idempotency-Key"),
			r.Header.Get("Accept-Encoding") + strings.Join(r.TransferEncoding, ","), r.ContentLength}
		w.Header().Set("X-Request-Id", "r-1")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"sid":"SM1"}`)
	})
	host := strings.TrimPrefix(s.URL, "http://")
	c := local(t, "api.twilio.com="+s.URL+"/providers/twilio/")
	for _, tc := range []struct {
		name, method, url, body string
		want                    seen
	}{
		{"with a body", "POST", s.URL + "/a%2Fb?q=1", "hello", seen{"POST", "/a%2Fb?q=1", host, "hello", egress.UserAgent, "d-1", "", 5}},
		{"without one", "POST", s.URL + "/a", "", seen{"POST", "/a", host, "", egress.UserAgent, "d-1", "", 0}},
		{"GET", "GET", s.URL + "/a", "", seen{"GET", "/a", host, "", egress.UserAgent, "d-1", "", 0}},
		{"DELETE", "DELETE", s.URL + "/a", "", seen{"DELETE", "/a", host, "", egress.UserAgent, "d-1", "", 0}},
		{"routed", "POST", "https://api.twilio.com/2010%2F04/x?y=1", "hello",
			seen{"POST", "/providers/twilio/2010%2F04/x?y=1", "api.twilio.com", "hello", egress.UserAgent, "d-1", "", 5}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req := request(t, tc.method, tc.url, tc.body)
			req.Header.Set("Idempotency-Key", "d-1")
			res, err := c.Do(t.Context(), req, egress.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, <-got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if res.Status != 201 || string(res.Body) != `{"sid":"SM1"}` || res.Header.Get("X-Request-Id") != "r-1" {
				t.Errorf("got %d %q %v", res.Status, res.Body, res.Header)
			}
			if req.Header.Get("Idempotency-Key") != "d-1" || req.URL.String() != tc.url {
				t.Error("Do changed the caller's request")
			}
		})
	}
}

func TestConnectionsAreReused(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	c := local(t, "")
	for i := range 3 {
		res, err := c.Do(t.Context(), request(t, "POST", s.URL, "x"), egress.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := res.Timings.Reused, i > 0; got != want {
			t.Errorf("call %d: reused = %t, want %t", i, got, want)
		}
		if tm := res.Timings; tm.Sent.IsZero() || tm.FirstByte <= 0 || tm.Total < tm.FirstByte || (tm.Connect > 0) != (i == 0) {
			t.Errorf("call %d: timings %+v", i, tm)
		}
	}
}

func TestARedirectIsTheAnswer(t *testing.T) {
	var calls atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	res, err := local(t, "").Do(t.Context(), request(t, "POST", s.URL, "x"), egress.Options{})
	if err != nil || res.Status != 307 || calls.Load() != 1 {
		t.Errorf("got %v, %v after %d calls, want 307 after 1", res, err, calls.Load())
	}
}

func TestAnAnswerTooLarge(t *testing.T) {
	for _, tc := range []struct {
		name    string
		flush   bool
		size    int
		want    string
		wantLen int
	}{
		{"as large as it may be", false, 100, "", 100},
		{"one byte more", false, 101, "too_large written=true", 100},
		{"without a length", true, 5000, "too_large written=true", 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tc.flush {
					w.(http.Flusher).Flush()
				}
				w.Write(bytes.Repeat([]byte("x"), tc.size))
			})
			res, err := local(t, "").Do(t.Context(), request(t, "GET", s.URL, ""), egress.Options{MaxResponse: 100})
			if got := failureOrNone(err); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if res == nil || res.Status != 200 || len(res.Body) != tc.wantLen {
				t.Errorf("got %v, want the answer with %d bytes", res, tc.wantLen)
			}
		})
	}
}

func failureOrNone(err error) string {
	if err == nil {
		return ""
	}
	return failure(err)
}

func TestTooSlow(t *testing.T) {
	for _, tc := range []struct {
		name  string
		begin bool // the answer has begun
	}{{"no answer", false}, {"half an answer", true}} {
		t.Run(tc.name, func(t *testing.T) {
			release := make(chan struct{})
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tc.begin {
					w.(http.Flusher).Flush()
				}
				<-release
			})
			defer close(release)
			res, err := local(t, "").Do(t.Context(), request(t, "POST", s.URL, "x"), egress.Options{Timeout: 30 * time.Millisecond})
			if got, want := failure(err), "timeout written=true"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if (res != nil) != tc.begin {
				t.Errorf("response %v", res)
			}
			if got, want := fault.Public(err), "127.0.0.1 did not answer within the timeout"; got != want {
				t.Errorf("message %q, want %q", got, want)
			}
		})
	}
}

func TestGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	_, err := local(t, "").Do(ctx, request(t, "POST", s.URL, ""), egress.Options{})
	if got, want := failure(err), "canceled written=true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err = local(t, "").Do(ctx, request(t, "POST", s.URL, "x"), egress.Options{})
	if got, want := failure(err), "canceled written=false"; got != want {
		t.Errorf("given up before: got %s, want %s", got, want)
	}
}

// raw serves each connection with a function, on a bare listener.
func raw(t *testing.T, serve func(n int, c net.Conn, r *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(n, c, bufio.NewReader(c)); c.Close() })
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return "http://" + l.Addr().String()
}

func TestFailuresTellHowFarTheyCame(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	secure := httptest.NewTLSServer(nil)
	secure.Config.ErrorLog = nil
	t.Cleanup(secure.Close)
	policy, err := egress.ParsePolicy("http://127.0.0.0/8:*, https://127.0.0.0/8:*", "")
	if err != nil {
		t.Fatal(err)
	}
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	closing := raw(t, func(_ int, c net.Conn, r *bufio.Reader) { http.ReadRequest(r) })
	cut := raw(t, func(_ int, c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
	})
	garbled := raw(t, func(_ int, c net.Conn, r *bufio.Reader) { http.ReadRequest(r); io.WriteString(c, "SSH-2.0-x\r\n\r\n") })
	long := raw(t, func(_ int, c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 100<<10)+"\r\n\r\n")
	})
	for _, tc := range []struct{ name, url, header, want string }{
		{"refused connection", gone.URL, "", "connect written=false"},
		{"unknown authority", secure.URL, "", "tls written=false"},
		{"no TLS there", strings.Replace(plain.URL, "http", "https", 1), "", "tls written=false"},
		{"closed after the request", closing, "", "lost written=true"},
		{"closed within the answer", cut, "", "lost written=true"},
		{"not HTTP", garbled, "", "garbled written=true"},
		{"header too large", long, "", "garbled written=true"},
		{"header that cannot be", plain.URL, "a\nb", "unsendable written=false"},
		{"guard", "http://10.0.0.1/", "", "blocked written=false"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := egress.NewClient(egress.NewGuard(policy), egress.Config{})
			defer c.Close()
			for _, method := range []string{"POST", "GET", "DELETE"} {
				req := request(t, method, tc.url+"?key=planted", "")
				req.Header.Set("Idempotency-Key", "d-1")
				if tc.header != "" {
					req.Header["X-Bad"] = []string{tc.header}
				}
				_, err := c.Do(t.Context(), req, egress.Options{})
				if got := failure(err); got != tc.want {
					t.Errorf("%s: got %s (%v), want %s", method, got, err, tc.want)
				}
				if strings.Contains(err.Error(), "planted") {
					t.Errorf("the error repeats the query: %v", err)
				}
			}
		})
	}
}

// A server that answers one request a connection and closes the next one
// unanswered, after reading it, must see each request once.
func TestNothingWrittenIsSentTwice(t *testing.T) {
	for _, tc := range []struct{ method, body string }{
		{"POST", "x"}, {"POST", ""}, {"PUT", "x"}, {"PATCH", ""}, {"DELETE", ""}, {"GET", ""}, {"HEAD", ""}, {"OPTIONS", ""}, {"GET", "x"},
	} {
		t.Run(tc.method+tc.body, func(t *testing.T) {
			var mu sync.Mutex
			seen := map[string]int{}
			url := raw(t, func(n int, c net.Conn, r *bufio.Reader) {
				for i := 0; ; i++ {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					mu.Lock()
					seen[req.URL.Path]++
					mu.Unlock()
					if i == 1 {
						return
					}
					io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
				}
			})
			c := local(t, "")
			do := func(path string) error {
				req := request(t, tc.method, url+path, tc.body)
				req.Header.Set("Idempotency-Key", "d-1")
				_, err := c.Do(t.Context(), req, egress.Options{})
				return err
			}
			if err := do("/one"); err != nil {
				t.Fatal(err)
			}
			if got, want := failure(do("/two")), "lost written=true"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(map[string]int{"/one": 1, "/two": 1}, seen); diff != "" {
				t.Errorf("requests seen (-want +got):\n%s", diff)
			}
		})
	}
}

// A pooled connection that its server closed while it rested costs nothing
// but a new connection: its close is seen before anything is written.
func TestAStaleConnectionIsReplaced(t *testing.T) {
	var seen atomic.Int32
	closed := make(chan struct{}, 1)
	url := raw(t, func(n int, c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		seen.Add(1)
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		c.Close()
		closed <- struct{}{}
	})
	c := local(t, "")
	for i := range 20 {
		if _, err := c.Do(t.Context(), request(t, "POST", url, "x"), egress.Options{}); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		<-closed
	}
	if got, want := seen.Load(), int32(20); got != want {
		t.Errorf("%d requests were seen, want %d", got, want)
	}
}

// names answers each DNS query over UDP with an address for its name.
func names(t *testing.T, addrs map[string]string) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 512)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			pc.WriteTo(answer(buf[:n], addrs), from)
		}
	}()
	t.Cleanup(func() { pc.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// answer makes a DNS message (RFC 1035, section 4) that answers a query with
// one address, or with none, or says that there is no such name.
func answer(query []byte, addrs map[string]string) []byte {
	var labels []string
	i := 12
	for query[i] != 0 {
		labels = append(labels, string(query[i+1:i+1+int(query[i])]))
		i += 1 + int(query[i])
	}
	end := i + 5
	kind := binary.BigEndian.Uint16(query[i+1:])
	msg := append([]byte(nil), query[:end]...)
	binary.BigEndian.PutUint16(msg[2:], 0x8180) // a response, recursion available
	binary.BigEndian.PutUint16(msg[6:], 0)
	binary.BigEndian.PutUint16(msg[10:], 0)
	s, ok := addrs[strings.Join(labels, ".")]
	if !ok {
		binary.BigEndian.PutUint16(msg[2:], 0x8183) // no such name
		return msg
	}
	addr := netip.MustParseAddr(s)
	if want := map[uint16]bool{1: true, 28: false}; want[kind] != addr.Is4() || kind != 1 && kind != 28 {
		return msg
	}
	binary.BigEndian.PutUint16(msg[6:], 1)
	msg = append(msg, 0xc0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(addr.BitLen()/8))
	return append(msg, addr.AsSlice()...)
}

func TestAddressesAreJudgedWhenDialled(t *testing.T) {
	for _, tc := range []struct{ name, addr string }{
		{"loopback", "127.0.0.1"}, {"private", "10.0.0.7"}, {"private 172", "172.16.0.1"}, {"private 192", "192.168.1.1"},
		{"metadata", "169.254.169.254"}, {"carrier", "100.64.0.1"}, {"unspecified", "0.0.0.0"}, {"multicast", "224.0.0.1"},
		{"broadcast", "255.255.255.255"}, {"benchmarks", "198.18.0.1"},
		{"IPv6 loopback", "::1"}, {"IPv6 unspecified", "::"}, {"link local", "fe80::1"}, {"unique local", "fd00:ec2::254"},
		{"IPv4 in IPv6", "::ffff:169.254.169.254"}, {"IPv4 compatible", "::7f00:1"}, {"NAT64", "64:ff9b::a9fe:a9fe"}, {"6to4", "2002:a9fe:a9fe::1"},
		{"Teredo", "2001::1"}, {"IPv6 multicast", "ff02::1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// The name is one of those that carry an address, as nip.io's do.
			resolver := names(t, map[string]string{"10-0-0-7.nip.example": tc.addr})
			c := egress.NewClient(egress.NewGuard(egress.Policy{}), egress.Config{Resolver: resolver})
			_, err := c.Do(t.Context(), request(t, "POST", "https://10-0-0-7.nip.example/x", "x"), egress.Options{})
			if got, want := failure(err), "blocked written=false"; got != want {
				t.Errorf("got %s (%v), want %s", got, err, want)
			}
			if !fault.Is(err, fault.Forbidden) || strings.Contains(fault.Public(err), tc.addr) {
				t.Errorf("public message %q", fault.Public(err))
			}
		})
	}
}

func TestNames(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	resolver := names(t, map[string]string{"intranet.example": "127.0.0.1", "other.example": "127.0.0.1"})
	policy, err := egress.ParsePolicy("http://intranet.example:*, http://127.0.0.0/8:*", "")
	if err != nil {
		t.Fatal(err)
	}
	c := egress.NewClient(egress.NewGuard(policy), egress.Config{Resolver: resolver})
	t.Cleanup(c.Close)
	for _, tc := range []struct{ url, want string }{
		{"http://intranet.example" + port, ""},
		{"http://localhost" + port, ""},
		{"https://missing.example", "dns written=false"},
		{"http://other.example" + port, "blocked written=false"},
	} {
		_, err := c.Do(t.Context(), request(t, "POST", tc.url, "x"), egress.Options{})
		if got := failureOrNone(err); got != tc.want {
			t.Errorf("%s: got %q (%v), want %q", tc.url, got, err, tc.want)
		}
	}
}
