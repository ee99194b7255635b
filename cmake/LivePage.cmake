# Makes one file of the live page: its text, style and script, and dygraphs from the distribution, which draws the
# timeline. Run as a script when one of them changes: -DPAGE=folder -DDYGRAPHS=folder -DTO=file
cmake_minimum_required(VERSION 3.25)
file(READ ${PAGE}/page.html text)
file(READ ${PAGE}/page.css style)
file(READ ${PAGE}/page.js script)
file(READ ${DYGRAPHS}/dygraph.min.css library_style)
file(READ ${DYGRAPHS}/dygraph.min.js library)
# Neither may say where its map is: nothing is asked for that is not here.
string(REGEX REPLACE "//# sourceMappingURL=[^\n]*" "" library "${library}")
string(REGEX REPLACE "/\\*# sourceMappingURL=[^*]*\\*/" "" library_style "${library_style}")
string(REPLACE "%style%" "${library_style}\n${style}" text "${text}")
string(REPLACE "%script%" "${script}" text "${text}")
string(REPLACE "%dygraphs%" "${library}" text "${text}")
file(WRITE ${TO} "${text}")
