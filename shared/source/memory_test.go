package source

import (
	"fmt"
	"testing"
	"time"
)

// Memory is bounded by the number of answers and by their size; what was used
// last stays.
func TestMemoryIsBounded(t *testing.T) {
	for _, size := range []int{1, 100 << 10, maxBytes + 1} {
		m := newMemory()
		now := time.Now()
		for i := range 3 * maxAnswers {
			m.keep(fmt.Sprint(i), answer{i, size, now})
			if i%2 == 0 {
				m.keep(fmt.Sprint(i), answer{i, size, now}) // takes its own place
			}
		}
		if n := m.kept.Len(); n > maxAnswers || m.bytes > maxBytes || m.bytes != n*size {
			t.Errorf("of %d bytes each: %d answers of %d bytes", size, n, m.bytes)
		}
		last, found := m.get(fmt.Sprint(3*maxAnswers-1), now, time.Minute)
		if fits := size <= maxBytes; found != fits || fits && last != 3*maxAnswers-1 {
			t.Errorf("of %d bytes each: the last is %v, %v", size, last, found)
		}
	}
}
