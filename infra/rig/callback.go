package rig

import (
	"net/http"

	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/assemble/admin"
	assemblecallback "github.com/waypost/waypost/shared/assemble/callback"
	"github.com/waypost/waypost/shared/callback"
	"github.com/waypost/waypost/shared/callback/callbacktest"
	"github.com/waypost/waypost/shared/channel"
)

// CallbackURL is where providers report: a proxy's, which no request names.
const CallbackURL = "https://callbacks.example/callback"

// Kind is that of the callbacks which a world's Reporter understands.
const Kind = "rig"

// traits are a provider's, whose callbacks the world's Reporter may understand.
func (w *World) traits(t channel.Traits) channel.Traits {
	if w.Reporter != nil {
		t.Callback = Kind
	}
	return t
}

func (w *World) channels() []channel.Traits {
	list := admin.Channels()
	for i := range list {
		list[i] = w.traits(list[i])
	}
	return list
}

func (w *World) admin(p *assemble.Platform) awslambda.Handler { return admin.With(p, w.channels()) }

func (w *World) callback(p *assemble.Platform) awslambda.Handler {
	return assemblecallback.With(p, w.reporters(), w.channels())
}

func (w *World) reporters() map[string]callback.Reporter {
	if w.Reporter != nil {
		return map[string]callback.Reporter{Kind: w.Reporter}
	}
	return assemblecallback.Reporters()
}

// Reports is the callback function's handler, without Lambda around it.
func (w *World) Reports() http.Handler {
	return assemblecallback.Handler(w.Platform, w.reporters(), w.channels())
}

// CallBack makes a callback as a callbacktest.Reporter understands it, signed by
// a key, and gives the answer.
func (w *World) CallBack(key, token string, b callbacktest.Body) (int, string) {
	w.t.Helper()
	url := channel.CallbackURL(CallbackURL).Of(Kind, token)
	return w.Call(http.MethodPost, "/callback/"+Kind+"/"+token, b.String(), callbacktest.Header, callbacktest.Sign(key, url, b.String()))
}
