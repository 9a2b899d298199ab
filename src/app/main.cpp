#include "command_line.hpp"

int main(int argc, char** argv) {
  return weir::app::run_command(argc, argv);
}
