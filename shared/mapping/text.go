package mapping

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/waypost/waypost/shared/schema"
)

// Text is how a value prints in a template: strings as they are, numbers as in
// JSON (a whole one without a fraction), booleans as true and false, times in
// RFC 3339 to the second, durations as Go writes them (1h30m0s), objects and
// arrays as compact JSON with sorted keys. Nil prints as nothing.
func Text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(appendText(nil, v))
}

// appendText is Text, onto a buffer that is reused for a whole template.
func appendText(b []byte, v any) []byte {
	switch v := number(v).(type) {
	case nil:
		return b
	case string:
		return append(b, v...)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendFloat(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case time.Time:
		return v.AppendFormat(b, time.RFC3339)
	case time.Duration:
		return append(b, v.String()...)
	}
	return append(b, toJSON(v)...)
}

// appendFloat prints a number as JSON does (encoding/json follows ECMAScript:
// an exponent from 1e21 and below 1e-6).
func appendFloat(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return b // no JSON value; arithmetic never makes one
	}
	if v == 0 {
		return append(b, '0') // not -0
	}
	if size := math.Abs(v); size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return b
	}
	return append(b, text...)
}

// toJSON gives compact JSON, with <, > and & as they are.
func toJSON(v any) []byte {
	text, err := schema.Encode(untimed(v))
	if err != nil {
		return nil // what Decode gives can always be encoded
	}
	return text
}
