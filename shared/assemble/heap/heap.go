// Package heap keeps the garbage collector out of a function's cold start.
//
// A Go heap is first collected at 4 MB. The packages that a function links
// allocate about that much before main begins (the JSON Schema library
// compiles its metaschemas, the AWS SDK builds its own), so the first
// collection would always fall into the cold start, and all of it would
// survive. It is put off from before those packages start, which is when this
// one is initialized: it imports nothing that allocates, and Go initializes
// what is ready in the order of import paths.
//
// Only programs that run on Lambda should import it: it changes the collector
// of the whole process.
package heap

import (
	"runtime/debug"
	"strconv"
)

// percent lets the heap grow to 24 MB before its first collection, of the
// 128 MB that the smallest function has.
const percent = 500

// usual is what the collector was set to, which GOGC may have chosen.
var usual = debug.SetGCPercent(percent)

// defaultPercent is Go's own, where nobody chose another.
const defaultPercent = 100

// Bound keeps the heap within a function's memory, in MB as
// AWS_LAMBDA_FUNCTION_MEMORY_SIZE has it: the collector works harder as
// three quarters of it are used. Where the process's GOGC was set, that holds.
func Bound(memory string) {
	if usual != defaultPercent {
		debug.SetGCPercent(usual)
	}
	if mb, err := strconv.ParseInt(memory, 10, 64); err == nil && mb > 0 {
		debug.SetMemoryLimit(mb << 20 / 4 * 3)
	}
}
