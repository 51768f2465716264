package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends a node when this process is killed and cannot stop it.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
