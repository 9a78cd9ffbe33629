// Signals that would end the program between two writes wait until it is through.
#pragma once
#include <csignal>

namespace hostpci {

/// While it lives, INT, TERM, HUP, QUIT and TSTP are held back from this thread; those that came are delivered at its end. May be nested.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace hostpci
