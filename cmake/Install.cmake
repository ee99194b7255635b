# Filled by the install step: exported targets, package files, pkg-config.
