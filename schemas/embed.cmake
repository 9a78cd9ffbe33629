# embed(TARGET NAME DIRECTORY): compiles the directory's *.json and *.yaml into TARGET as string_views, by file name, without an interpreter.
function(embed target name directory)
  file(GLOB files CONFIGURE_DEPENDS ${directory}/*.json ${directory}/*.yaml)
  set(output ${CMAKE_BINARY_DIR}/${name}.cpp)
  set(rows "")
  foreach(file ${files})
    get_filename_component(base ${file} NAME)
    file(READ ${file} text)
    # Literals may hold 64 KiB at most in some compilers: cut into pieces that the compiler joins.
    string(LENGTH "${text}" length)
    set(literal "")
    set(at 0)
    while(at LESS length)
      string(SUBSTRING "${text}" ${at} 8000 piece)
      string(APPEND literal "R\"~~~~(${piece})~~~~\" ")
      math(EXPR at "${at} + 8000")
    endwhile()
    string(APPEND rows "    {\"${base}\", ${literal}},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"// Generated from ${directory}: the files by name.
#include \"cli/embedded.hpp\"
namespace hostpci {
namespace {
constexpr EmbeddedFile files[] = {
@rows@    {},
};
}
std::span<const EmbeddedFile> embedded_files() { return std::span(files).first(std::size(files) - 1); }
}
")
  target_sources(${target} PRIVATE ${output})
endfunction()
