package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"sort"
	"strconv"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

// apiPrefix is the version of Lambda's API that Invoke belongs to.
const apiPrefix = "/2015-03-31/functions"

// Handler serves the Invoke API: invoking, listing and describing functions,
// on the paths and in the shapes of AWS Lambda's API 2015-03-31.
func (h *Host) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+apiPrefix+"/{name}/invocations", h.serveInvoke)
	mux.HandleFunc("GET "+apiPrefix+"/{name}", h.serveGet)
	mux.HandleFunc("GET "+apiPrefix+"/{name}/configuration", h.serveGet)
	mux.HandleFunc("GET "+apiPrefix+"/{$}", h.serveList)
	mux.HandleFunc("GET "+apiPrefix, h.serveList)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, &awsjson.Error{Status: http.StatusNotFound, Code: "UnknownOperationException",
			Message: "the local runtime's Lambda does not serve " + r.Method + " " + r.URL.Path})
	})
	return mux
}

func (h *Host) serveInvoke(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	// One byte more than the limit, so that Invoke sees an excess and says so.
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		writeError(w, awsjson.Errorf("InvalidRequestContentException", "the payload could not be read"))
		return
	}
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		out := h.Invoke(r.Context(), name, payload)
		if out.Refused != nil {
			writeError(w, out.Refused)
			return
		}
		w.Header().Set("X-Amzn-Requestid", out.RequestID)
		w.Header().Set("X-Amz-Executed-Version", "$LATEST")
		w.Header().Set("Content-Type", "application/json")
		if out.Error != "" {
			w.Header().Set("X-Amz-Function-Error", out.Error)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(out.Payload)))
		_, _ = w.Write(out.Payload)
	case "Event":
		id, refused := h.InvokeAsync(name, payload)
		if refused != nil {
			writeError(w, refused)
			return
		}
		w.Header().Set("X-Amzn-Requestid", id)
		w.WriteHeader(http.StatusAccepted)
	case "DryRun":
		if h.lookup(name) == nil {
			writeError(w, h.notFound(name))
			return
		}
		w.Header().Set("X-Amzn-Requestid", awsjson.RequestID())
		w.WriteHeader(http.StatusNoContent)
	default:
		writeError(w, awsjson.Errorf("InvalidParameterValueException", "the invocation type %q is none of RequestResponse, Event and DryRun", kind))
	}
}

// configuration is the part of Lambda's FunctionConfiguration that has a meaning here.
type configuration struct {
	FunctionName  string
	FunctionArn   string
	Runtime       string
	Handler       string
	Timeout       int // seconds
	MemorySize    int // MiB
	LastModified  string
	Version       string
	PackageType   string
	Architectures []string
	State         string
}

func (h *Host) configuration(f *function) configuration {
	return configuration{
		FunctionName: f.name, FunctionArn: h.ARN(f.name), Runtime: "provided.al2023", Handler: "bootstrap",
		Timeout: int(f.cfg.Timeout.Seconds()), MemorySize: f.cfg.Memory,
		LastModified: f.modified.UTC().Format("2006-01-02T15:04:05.000+0000"),
		Version:      "$LATEST", PackageType: "Zip", Architectures: []string{"arm64"}, State: "Active",
	}
}

func (h *Host) serveGet(w http.ResponseWriter, r *http.Request) {
	f := h.lookup(r.PathValue("name"))
	if f == nil {
		writeError(w, h.notFound(r.PathValue("name")))
		return
	}
	c := h.configuration(f)
	if r.Pattern == "GET "+apiPrefix+"/{name}/configuration" {
		writeJSON(w, c)
		return
	}
	writeJSON(w, map[string]any{"Configuration": c, "Tags": map[string]string{}})
}

func (h *Host) serveList(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	list := make([]configuration, 0, len(h.functions))
	for _, f := range h.functions {
		list = append(list, h.configuration(f))
	}
	h.mu.Unlock()
	sort.Slice(list, func(i, j int) bool { return list[i].FunctionName < list[j].FunctionName })
	writeJSON(w, map[string]any{"Functions": list})
}

func (h *Host) lookup(name string) *function {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.functions[baseName(name)]
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Requestid", awsjson.RequestID())
	_ = json.NewEncoder(w).Encode(v)
}

// writeError writes an error in the shape of AWS's REST JSON services: its
// name in a header, and for Lambda a capital Message.
func writeError(w http.ResponseWriter, e *awsjson.Error) {
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	kind := "User"
	if status >= http.StatusInternalServerError {
		kind = "Service"
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.Header().Set("X-Amzn-Requestid", awsjson.RequestID())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Type": kind, "Message": e.Message})
}
