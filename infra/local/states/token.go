package states

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/waypost/waypost/infra/local/states/asl"
	"github.com/waypost/waypost/infra/local/states/value"
)

// A waiter is a Task that waits for its token.
type waiter struct {
	done  chan callback // one slot
	beats chan struct{} // one slot
}

// A callback is how SendTaskSuccess or SendTaskFailure says a Task ended.
type callback struct {
	output any
	fault  *failure
}

// newToken makes a task token, and registers who waits for it. A token is a
// random text and its signature, so that one which is no longer known can be
// told from one that never was, without keeping them.
func (e *Engine) newToken() (string, *waiter) {
	var id [18]byte
	_, _ = rand.Read(id[:]) // never fails, says crypto/rand
	token := base64.StdEncoding.EncodeToString(append(id[:], e.sign(id[:])...))
	w := &waiter{done: make(chan callback, 1), beats: make(chan struct{}, 1)}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting[token] = w
	return token, w
}

func (e *Engine) sign(id []byte) []byte {
	mac := hmac.New(sha256.New, e.key[:])
	mac.Write(id)
	return mac.Sum(nil)
}

func (e *Engine) dropToken(token string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.waiting, token)
}

// settle ends the Task that waits for a token. The first call counts.
func (e *Engine) settle(token string, c callback) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	w, err := e.waiter(token)
	if err != nil {
		return err
	}
	delete(e.waiting, token)
	w.done <- c
	return nil
}

// heartbeat tells a Task that somebody still works on it.
func (e *Engine) heartbeat(token string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	w, err := e.waiter(token)
	if err != nil {
		return err
	}
	select {
	case w.beats <- struct{}{}:
	default: // one is already on its way
	}
	return nil
}

func (e *Engine) waiter(token string) (*waiter, error) {
	if w, ok := e.waiting[token]; ok {
		return w, nil
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) < 18 || !hmac.Equal(b[18:], e.sign(b[:18])) {
		return nil, &apiError{"InvalidToken", "Invalid Token: 'Invalid token'"}
	}
	return nil, &apiError{"TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'"}
}

// await waits for the callback of a Task whose function has ended.
func (t *try) await(w *waiter, a *answer) (any, error) {
	if a.at != (time.Time{}) { // the function did not fail
		submitted := t.about
		submitted.value = a.envelope()
		if value.Size(submitted.value) > maxData {
			return nil, tooLarge(t.name())
		}
		t.record("Submitted", submitted)
	}
	if a.token != nil {
		return a.token.result()
	}
	for {
		select {
		case c := <-w.done:
			return c.result()
		case <-t.beat.beats:
			t.beat.reset()
		case <-t.beat.missed:
			return nil, &failure{name: asl.ErrTimeout, late: true, silent: true}
		case <-t.timer:
			return nil, &failure{name: asl.ErrTimeout, late: true}
		case <-t.frame.ctx.Done():
			return nil, t.frame.ctx.Err()
		}
	}
}

func (c callback) result() (any, error) {
	if c.fault != nil {
		return nil, c.fault
	}
	return c.output, nil
}

// A beat watches a Task's heartbeat. Its channels are nil, and so never ready,
// where the Task has none.
type beat struct {
	every  time.Duration
	timer  *time.Timer
	beats  <-chan struct{}
	missed <-chan time.Time
}

func newBeat(w *waiter, every time.Duration) *beat {
	b := &beat{every: every}
	if w != nil {
		b.beats = w.beats
		if every > 0 {
			b.timer = time.NewTimer(every)
			b.missed = b.timer.C
		}
	}
	return b
}

func (b *beat) reset() {
	if b.timer != nil {
		b.timer.Reset(b.every)
	}
}

func (b *beat) stop() {
	if b.timer != nil {
		b.timer.Stop()
	}
}
