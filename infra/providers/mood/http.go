package mood

import (
	"encoding/json"
	"io"
	"net/http"
)

const maxBody = 4 << 10

// Mount serves, below base, the stand-in and its mood, which GET shows and PUT
// changes, as JSON.
func (k *Keeper) Mount(mux *http.ServeMux, base string) {
	mux.Handle(base+"/", k)
	mux.HandleFunc("GET "+Path(base), func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, k.Mood()) })
	mux.HandleFunc("PUT "+Path(base), k.put)
}

func (k *Keeper) put(w http.ResponseWriter, r *http.Request) {
	var m Mood
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(&m)
	if _, more := d.Token(); err != nil || more != io.EOF {
		write(w, http.StatusBadRequest, map[string]string{"error": `the body must be JSON with mode, and perhaps delay and for, such as {"mode": "slow", "delay": "3s", "for": "1m"}`})
		return
	}
	if err := k.Set(m); err != nil {
		write(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
		return
	}
	write(w, http.StatusOK, k.Mood())
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
