package asl

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	mathrand "math/rand/v2"
	"strconv"
	"strings"

	"github.com/waypost/waypost/infra/local/states/value"
)

// rounded gives a number rounded half up, as Java's Math.round does.
func rounded(v any) (int64, error) {
	if n, ok := value.Whole(v); ok {
		return n, nil
	}
	f, ok := value.Float(v)
	if !ok || math.Abs(f) > 1e15 {
		return 0, errors.New("the arguments must be numbers of a usual size")
	}
	return int64(math.Floor(f + 0.5)), nil
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

func mathRandom(args []any) (any, error) {
	from, err1 := rounded(args[0])
	to, err2 := rounded(args[1])
	if err := errors.Join(err1, err2); err != nil {
		return nil, errors.New("the arguments must be numbers")
	}
	if from >= to || to-from < 0 {
		return nil, errors.New("the end must be above the start")
	}
	if len(args) == 2 {
		return number(from + mathrand.Int64N(to-from)), nil
	}
	seed, err := rounded(args[2])
	if err != nil {
		return nil, err
	}
	// The same seed gives the same number here, though not the one that AWS gives.
	r := mathrand.New(mathrand.NewPCG(uint64(seed), 0))
	return number(from + r.Int64N(to-from)), nil
}

func mathAdd(args []any) (any, error) {
	a, err1 := rounded(args[0])
	b, err2 := rounded(args[1])
	if err := errors.Join(err1, err2); err != nil {
		return nil, errors.New("the arguments must be numbers")
	}
	return number(a + b), nil
}

// stringSplit splits at each of the delimiter's characters, and leaves out
// what is empty.
func stringSplit(args []any) (any, error) {
	s, ok1 := args[0].(string)
	at, ok2 := args[1].(string)
	if !ok1 || !ok2 {
		return nil, errors.New("the arguments must be strings")
	}
	out := []any{}
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(at, r) }) {
		out = append(out, part)
	}
	return out, nil
}

// UUID makes a random UUID of version 4.
func UUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
