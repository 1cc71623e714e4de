// The palette. The curve colours can be distinguished with any kind of colour blindness (after Okabe and Ito, darkened
// or lightened to a contrast of at least 3 with the background).
#include "report/theme.h"

#include <array>
#include <cstddef>
#include <string_view>

namespace rlhf {
namespace {

struct Colour {
  std::string_view name, light, dark;
};
constexpr std::array<Colour, 15> kPalette = {{
    {"page", "#ffffff", "#0f1317"},
    {"card", "#f6f8fa", "#171d23"},
    {"ink", "#1b1f24", "#e6eaee"},
    {"soft", "#57606a", "#9aa5b0"},
    {"grid", "#e1e5ea", "#28313a"},
    {"rule", "#8b949e", "#56616c"},
    {"good", "#1a7f4b", "#4cc38a"},
    {"warn", "#9a5b00", "#f0b255"},
    {"bad", "#c4292f", "#ff7b72"},
    {"c0", "#0072b2", "#56b4e9"},
    {"c1", "#d55e00", "#ff8f4a"},
    {"c2", "#00805d", "#35c99b"},
    {"c3", "#b5478a", "#e79ac8"},
    {"c4", "#8a6d00", "#e6c34a"},
    {"c5", "#5b5bd6", "#a9b8ff"},
}};

constexpr std::string_view kShapes = R"(svg text { fill: var(--soft); font-size: 12px; }
svg text.value, svg text.title { fill: var(--ink); }
svg text.title { font-weight: 600; font-size: 14px; }
svg line.grid { stroke: var(--grid); }
svg line.axis { stroke: var(--rule); }
svg path { fill: none; stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; }
svg path.range { stroke-opacity: 0.3; stroke-dasharray: none; }
svg path.gap { stroke: var(--bad); stroke-width: 1.5; }
.c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); } .c2 { stroke: var(--c2); }
.c3 { stroke: var(--c3); } .c4 { stroke: var(--c4); } .c5 { stroke: var(--c5); }
circle.c0, .fill.c0 { fill: var(--c0); } circle.c1, .fill.c1 { fill: var(--c1); }
circle.c2, .fill.c2 { fill: var(--c2); } circle.c3, .fill.c3 { fill: var(--c3); }
circle.c4, .fill.c4 { fill: var(--c4); } circle.c5, .fill.c5 { fill: var(--c5); }
.fill { stroke: none; }
path.d1 { stroke-dasharray: 6 4; } path.d2 { stroke-dasharray: 1 4; } path.d3 { stroke-dasharray: 9 4 1 4; }
rect.page { fill: var(--page); }
)";

std::string_view value_of(const Colour& colour, Theme theme) {
  return theme == Theme::light ? colour.light : colour.dark;
}

std::string variables(Theme theme) {
  std::string css;
  for (const Colour& colour : kPalette)
    css.append(" --").append(colour.name).append(": ").append(value_of(colour, theme)).append(";");
  return css;
}

}  // namespace

std::string theme_variables() {
  return ":root { color-scheme: light dark;" + variables(Theme::light) +
         " }\n@media (prefers-color-scheme: dark) { :root {" + variables(Theme::dark) + " } }\n";
}

std::string shape_rules() { return std::string(kShapes); }

std::string shape_rules(Theme theme) {
  std::string css = shape_rules();
  for (const Colour& colour : kPalette) {
    const std::string variable = "var(--" + std::string(colour.name) + ")";
    for (std::size_t at = css.find(variable); at != std::string::npos; at = css.find(variable, at))
      css.replace(at, variable.size(), value_of(colour, theme));
  }
  return css;
}

}  // namespace rlhf
