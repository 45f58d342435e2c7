package runtimeapi

import "syscall"

// attributes has a process end with this one, even where this one is killed,
// and keeps a terminal's Ctrl-C from it: the runtime ends it when it is done.
//
// Linux sends the signal when the thread ends that started the process. Go
// ends a thread only with a goroutine that is locked to it, and none is here.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
